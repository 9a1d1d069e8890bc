@clause:6.3.5
Feature: JSON-LD @context resolution
  Where names get their meaning from.

  Scenario: A body's own @context is what its names mean
    Given the hosted @context
      """
      {"@context": {"colour": "https://example.org/colour"}}
      """
    And the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "colour": {"type": "Property", "value": "red"},
       "@context": {"colour": "https://example.org/colour"}}
      """
    When a client retrieves the entity "urn:ngsi-ld:House:1"
    Then the answer has no member "colour"
    And the answer holds
      """
      {"https://example.org/colour": {"value": "red"}}
      """

  Scenario: A @context in an application/json body is refused
    Given the header Content-Type is "application/json"
    When a client creates the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "@context": {"colour": "https://example.org/colour"}}
      """
    Then the answer is 400
    And it is refused as BadRequestData
    And there is no entity "urn:ngsi-ld:House:1"

  Scenario: A Link to a @context beside an application/ld+json body is refused
    Given the header Link is "<https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld>; rel=\"http://www.w3.org/ns/json-ld#context\"; type=\"application/ld+json\""
    When a client creates the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "@context": {"colour": "https://example.org/colour"}}
      """
    Then the answer is 400
    And it is refused as BadRequestData
