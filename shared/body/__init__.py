"""The body of a mail as text or as HTML, from its MIME."""
