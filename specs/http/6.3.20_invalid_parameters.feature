@clause:6.3.20
Feature: Invalid parameters
  A parameter that does not belong to an operation is a mistake, and is told.

  Background:
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 20, "unitCode": "CEL"},
       "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [139.7, 35.6]}}}
      """

  Scenario: An unknown parameter is refused
    When a client queries entities with "type=House&colour=red"
    Then the answer is 400
    And it is refused as InvalidRequest, naming "colour"
    And the answer does not name "urn:ngsi-ld:House:1"

  Scenario: A parameter of another operation is refused
    When a client retrieves with "limit=5" the entity "urn:ngsi-ld:House:1"
    Then the answer is 400
    And it is refused as InvalidRequest, naming "limit"

  Scenario: A parameter given twice is refused
    When a client queries entities with "type=House&type=Room"
    Then the answer is 400
    And it is refused as InvalidRequest, naming "type"

  Scenario: A parameter without a value counts as not given
    When a client queries entities with "type=House&options=&q="
    Then the answer lists "urn:ngsi-ld:House:1" and no other entity
