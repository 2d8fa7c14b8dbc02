"""Azure Storage: Azurite, installed and run as a child process."""
