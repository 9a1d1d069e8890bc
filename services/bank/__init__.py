"""The information bank: recipients, the ethics board, offers, requests, what was handed over, complaints, incidents.

Pure workflows (`recipients`, `board`, `offers`, …) say what an act changes; `book` writes acts down; `projecting` shows
them in the hub; `doors` are the table of routes.
"""
