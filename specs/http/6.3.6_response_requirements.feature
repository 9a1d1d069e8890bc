@clause:6.3.6
Feature: HTTP response common requirements
  Where the @context of an answer stands.

  Background:
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 20, "unitCode": "CEL"},
       "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [139.7, 35.6]}}}
      """

  Scenario: In a header beside application/json
    Given the header Accept is "application/json"
    When a client retrieves the entity "urn:ngsi-ld:House:1"
    Then the answer has the header Content-Type "application/json"
    And the header Link of the answer names "http://www.w3.org/ns/json-ld#context"
    And the answer has no member "@context"

  Scenario: In the body of application/ld+json
    Given the header Accept is "application/ld+json"
    When a client retrieves the entity "urn:ngsi-ld:House:1"
    Then the answer has the header Content-Type "application/ld+json"
    And the answer names "@context"
    And the answer has no header Link

  Scenario: A weight of nothing is refused
    Given the header Accept is "application/json;q=0"
    When a client retrieves the entity "urn:ngsi-ld:House:1"
    Then the answer is 406
    And it is refused as NotAcceptable
