"""Devices: links (sockets), codecs (bytes -> readings), mappings (readings -> fragments), and the pipeline between.

    link -> Frame -> codec -> Readings -> mapping -> fragment -> queue -> Hub

Links and the pipeline do I/O; codecs and mappings are pure. An adapter runs inside a hub (`misono serve --adapters
DIR`) or as a process of its own (`misono adapter run NAME --hub URL`).
"""
