@clause:6.3.18
Feature: Limiting Distributed Operations
  With local=true only this broker's own data is looked at, and a query may ask for everything.

  Background:
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 20, "unitCode": "CEL"},
       "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [139.7, 35.6]}}}
      """

  Scenario: Everything that is here
    When a client queries entities with "local=true"
    Then the answer is 200
    And the answer lists "urn:ngsi-ld:House:1" and no other entity

  Scenario: What is no flag is refused
    When a client queries entities with "local=here"
    Then the answer is 400
    And it is refused as BadRequestData, naming "local"
