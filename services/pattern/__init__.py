"""The pattern of the city's services, each a client of the broker that a city switches on: docs/city-services.md.

cases       what a service keeps: cases with their acts, in tables, shown in the hub once they are durable
answering   who asks at a door, and answers
consenting  whether a person lets an organisation be served
room        the room of such a service: doors, what it follows, what is due
"""
