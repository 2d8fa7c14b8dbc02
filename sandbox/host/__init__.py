"""A local Azure Functions host: runs a function app of the Python v2 model in a process of its own.

It is a stand-in for development, as strict as the real host where the app could notice; Azure runs the real
one. `python -m sandbox.host --settings FILE [--port N] [--lease SECONDS] [--app DIR]`.
"""
