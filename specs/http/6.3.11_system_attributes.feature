@clause:6.3.11
Feature: Including system Attributes
  When an entity came and when it changed, for who asks.

  Background:
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 20, "unitCode": "CEL"},
       "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [139.7, 35.6]}}}
      """

  Scenario: They come when asked for
    When a client retrieves with "options=sysAttrs" the entity "urn:ngsi-ld:House:1"
    Then the answer names "createdAt"
    And the answer names "modifiedAt"
    And the answer does not name "deletedAt"

  Scenario: They do not come otherwise
    When a client retrieves the entity "urn:ngsi-ld:House:1"
    Then the answer has no member "createdAt"
    And the answer does not name "modifiedAt"

  Scenario: An unknown option is refused
    When a client retrieves with "options=sysattrs" the entity "urn:ngsi-ld:House:1"
    Then the answer is 400
    And it is refused as InvalidRequest, naming "options"
