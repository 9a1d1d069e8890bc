@clause:6.3.7
Feature: Representation of Entities
  Normalized, concise or simplified.

  Background:
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 20, "unitCode": "CEL"},
       "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [139.7, 35.6]}}}
      """

  Scenario: Concise leaves out what can be told without
    When a client retrieves with "format=concise" the entity "urn:ngsi-ld:House:1"
    Then the answer is exactly
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"value": 20, "unitCode": "CEL"},
       "location": {"type": "Point", "coordinates": [139.7, 35.6]}}
      """
    And the answer does not name "Property"

  Scenario Outline: Simplified gives values only
    When a client retrieves with "<parameter>" the entity "urn:ngsi-ld:House:1"
    Then the answer is exactly
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": 20, "location": {"type": "Point", "coordinates": [139.7, 35.6]}}
      """
    And the answer does not name "unitCode"

    Examples:
      | parameter         |
      | format=simplified |
      | format=keyValues  |
      | options=keyValues |

  Scenario: An unknown representation is refused
    When a client retrieves with "format=short" the entity "urn:ngsi-ld:House:1"
    Then the answer is 400
    And it is refused as InvalidRequest, naming "format"
