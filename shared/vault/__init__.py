"""The vault: a protocol, and M-Files as its implementation."""
