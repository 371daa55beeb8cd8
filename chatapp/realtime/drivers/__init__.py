"""The three kinds of server, one a module, alike from outside. Only server.py and websocket.py import from here."""
