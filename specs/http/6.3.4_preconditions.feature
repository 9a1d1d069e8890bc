@clause:6.3.4
Feature: HTTP request preconditions
  Media types are checked before anything else.

  Scenario: A body in another media type is refused
    Given the header Content-Type is "text/plain"
    When a client creates the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House"}
      """
    Then the answer is 415
    And the answer has no body
    And there is no entity "urn:ngsi-ld:House:1"

  Scenario: An answer in a media type that there is not is refused
    Given the header Accept is "image/png"
    When a client queries entities with "type=House"
    Then the answer is 406
    And it is refused as NotAcceptable, naming "Accept"

  Scenario: An entity changed meanwhile is not overwritten
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 20, "unitCode": "CEL"},
       "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [139.7, 35.6]}}}
      """
    And a client retrieves the entity "urn:ngsi-ld:House:1"
    And the ETag of the last answer is kept
    And a client deletes the attribute "location" of "urn:ngsi-ld:House:1"
    And the header If-Match is what was kept
    When a client deletes the entity "urn:ngsi-ld:House:1"
    Then the answer is 412
    And it is refused as PreconditionFailed
    And the entity "urn:ngsi-ld:House:1" has no "location"
