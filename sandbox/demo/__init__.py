"""The demonstration: mail is delivered in the sandbox, the app files it, every byte is compared."""
