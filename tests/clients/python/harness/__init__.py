"""What the suites share: a running server, the clients, and requests signed by hand."""
