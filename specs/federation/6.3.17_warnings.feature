@clause:6.3.17
@sources
Feature: Warnings of context sources
  What some could not tell is said beside what the others could; a circle of brokers ends.

  Background:
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "rooms": {"type": "Property", "value": 4}}
      """

  Scenario: Who answers nonsense is left out, and it is said
    Given the registration
      """
      {"type": "ContextSourceRegistration", "information": [{"entities": [{"type": "House"}]}], "endpoint": "http://source"}
      """
    And the source answers 200 to GET "/entities"
      """
      It works!
      """
    When a client queries entities with "type=House"
    Then the answer lists "urn:ngsi-ld:House:1" and no other entity
    And the header NGSILD-Warning of the answer names "111"

  Scenario: An entity that is none is left out, the others of that source are not
    Given the registration
      """
      {"type": "ContextSourceRegistration", "information": [{"entities": [{"type": "House"}]}], "endpoint": "http://source"}
      """
    And the source answers 200 to GET "/entities"
      """
      [{"id": "urn:ngsi-ld:House:2", "type": "House"}, {"id": "no uri", "type": "House"}]
      """
    When a client queries entities with "type=House"
    Then the answer lists in any order "urn:ngsi-ld:House:1 urn:ngsi-ld:House:2" and no other entity
    And the header NGSILD-Warning of the answer names "111"

  Scenario: Nobody listens there
    Given the registration
      """
      {"type": "ContextSourceRegistration", "information": [{"entities": [{"type": "House"}]}], "endpoint": "http://127.0.0.1:9"}
      """
    When a client retrieves the entity "urn:ngsi-ld:House:1"
    Then the answer is 200
    And the header NGSILD-Warning of the answer names "199"
    And the source was asked nothing

  Scenario: Who knows of no such entity is no trouble
    Given the registration
      """
      {"type": "ContextSourceRegistration", "information": [{"entities": [{"type": "House"}]}], "endpoint": "http://source"}
      """
    When a client retrieves the entity "urn:ngsi-ld:House:1"
    Then the answer is 200
    And the answer has no header NGSILD-Warning

  Scenario: A request that came through here already goes no further
    Given the registration
      """
      {"type": "ContextSourceRegistration", "information": [{"entities": [{"type": "House"}]}], "endpoint": "http://source"}
      """
    And the header Via is "1.1 misono, 1.1 aizu"
    When a client queries entities with "type=House"
    Then the answer is 200
    And the answer lists "urn:ngsi-ld:House:1" and no other entity
    And the source was asked nothing

  Scenario: Whom a request passed already is not asked again
    Given the registration
      """
      {"type": "ContextSourceRegistration", "contextSourceAlias": "aizu", "endpoint": "http://source",
       "information": [{"entities": [{"type": "House"}]}]}
      """
    And the header Via is "1.1 aizu"
    When a client queries entities with "type=House"
    Then the answer lists "urn:ngsi-ld:House:1" and no other entity
    And the source was asked nothing

  Scenario: A proxied attribute whose source has been reached in a circle is refused
    Given the registration
      """
      {"type": "ContextSourceRegistration", "mode": "redirect", "operations": ["redirectionOps"], "endpoint": "http://source",
       "information": [{"entities": [{"type": "House"}], "propertyNames": ["temperature"]}]}
      """
    And the header Via is "1.1 misono"
    When a client appends to the entity "urn:ngsi-ld:House:1"
      """
      {"temperature": {"type": "Property", "value": 9}}
      """
    Then the answer is 508
    And it is refused as LoopDetected
    And the source was asked nothing

  Scenario: A proxied write to whom nobody reaches is refused
    Given the registration
      """
      {"type": "ContextSourceRegistration", "mode": "redirect", "operations": ["redirectionOps"], "endpoint": "http://127.0.0.1:9",
       "information": [{"entities": [{"type": "House"}], "propertyNames": ["temperature"]}]}
      """
    When a client updates partially the attribute "temperature" of "urn:ngsi-ld:House:1"
      """
      {"value": 9}
      """
    Then the answer is 502
    And it is refused as SourceFailed
