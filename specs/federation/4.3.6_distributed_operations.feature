@clause:4.3.6
@sources
Feature: Distributed Operations
  One question is answered by all who know, and a write goes where its attribute lives.

  Scenario: A query over two
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:misono", "type": "House", "temperature": {"type": "Property", "value": 20}}
      """
    And the registration
      """
      {"type": "ContextSourceRegistration", "information": [{"entities": [{"type": "House"}]}], "endpoint": "http://source"}
      """
    And the source answers 200 to GET "/entities"
      """
      [{"id": "urn:ngsi-ld:House:aizu", "type": "House", "temperature": {"type": "Property", "value": 9}}]
      """
    When a client queries entities with "type=House"
    Then the answer lists in any order "urn:ngsi-ld:House:aizu urn:ngsi-ld:House:misono" and no other entity
    And the source was asked with "type=House" to GET "/entities"
    When a client queries entities with "type=House&q=temperature<10"
    Then the answer lists "urn:ngsi-ld:House:aizu" and no other entity

  Scenario: With local=true nobody is asked
    Given the registration
      """
      {"type": "ContextSourceRegistration", "information": [{"entities": [{"type": "House"}]}], "endpoint": "http://source"}
      """
    When a client queries entities with "type=House&local=true"
    Then the answer lists no entity
    And the source was asked nothing

  Scenario: An order over several sources is refused
    Given the registration
      """
      {"type": "ContextSourceRegistration", "information": [{"entities": [{"type": "House"}]}], "endpoint": "http://source"}
      """
    When a client queries entities with "type=House&orderBy=temperature"
    Then the answer is 400
    And it is refused as BadRequestData, naming "orderBy"
    And the source was asked nothing

  Scenario: What two know of one entity is one entity, the newer value counts
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "rooms": {"type": "Property", "value": 4},
       "temperature": {"type": "Property", "value": 20, "observedAt": "2026-01-01T00:00:00Z"}}
      """
    And the registration
      """
      {"type": "ContextSourceRegistration", "information": [{"entities": [{"type": "House"}]}], "endpoint": "http://source"}
      """
    And the source answers 200 to GET "/entities/urn:ngsi-ld:House:1"
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "floors": {"type": "Property", "value": 2},
       "temperature": {"type": "Property", "value": 21, "observedAt": "2026-01-02T00:00:00Z"}}
      """
    When a client retrieves the entity "urn:ngsi-ld:House:1"
    Then the answer is exactly
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "rooms": {"type": "Property", "value": 4},
       "floors": {"type": "Property", "value": 2},
       "temperature": {"type": "Property", "value": 21, "observedAt": "2026-01-02T00:00:00Z"}}
      """
    And the answer has no header NGSILD-Warning

  Scenario: A proxied attribute is written at its source and never held here
    Given the registration
      """
      {"type": "ContextSourceRegistration", "mode": "redirect", "operations": ["redirectionOps"], "endpoint": "http://source",
       "information": [{"entities": [{"id": "urn:ngsi-ld:House:1", "type": "House"}], "propertyNames": ["temperature"]}]}
      """
    And the source answers 201 to POST "/entities"
    When a client creates the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 9},
       "rooms": {"type": "Property", "value": 4}}
      """
    Then the answer is 201
    And the source was asked to POST "/entities"
    And the source got exactly
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 9}}
      """
    When a client retrieves with "local=true" the entity "urn:ngsi-ld:House:1"
    Then the answer is exactly
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "rooms": {"type": "Property", "value": 4}}
      """
    And the answer has no member "temperature"

  Scenario: An exclusive source's word is the only one for its attribute
    Given the registration
      """
      {"type": "ContextSourceRegistration", "mode": "exclusive", "operations": ["redirectionOps"], "endpoint": "http://source",
       "information": [{"entities": [{"id": "urn:ngsi-ld:House:1", "type": "House"}], "propertyNames": ["temperature"]}]}
      """
    And the source answers 204 to DELETE "/entities/urn:ngsi-ld:House:1/attrs/temperature"
    When a client deletes the attribute "temperature" of "urn:ngsi-ld:House:1"
    Then the answer is 204
    And the source was asked to DELETE "/entities/urn:ngsi-ld:House:1/attrs/temperature"
    And the answer has no body

  Scenario: A source's refusal of a proxied write is passed on
    Given the registration
      """
      {"type": "ContextSourceRegistration", "mode": "exclusive", "operations": ["redirectionOps"], "endpoint": "http://source",
       "information": [{"entities": [{"id": "urn:ngsi-ld:House:1", "type": "House"}], "propertyNames": ["temperature"]}]}
      """
    When a client updates partially the attribute "temperature" of "urn:ngsi-ld:House:1"
      """
      {"value": 10}
      """
    Then the answer is 404
    And the source was asked to PATCH "/entities/urn:ngsi-ld:House:1/attrs/temperature"
    And there is no entity "urn:ngsi-ld:House:1"

  Scenario: A write that one of two cannot do is told in parts
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "rooms": {"type": "Property", "value": 4}}
      """
    And the registration
      """
      {"type": "ContextSourceRegistration", "operations": ["redirectionOps"], "endpoint": "http://source",
       "information": [{"entities": [{"type": "House"}]}]}
      """
    When a client appends to the entity "urn:ngsi-ld:House:1"
      """
      {"floors": {"type": "Property", "value": 2}}
      """
    Then the answer is 207
    And the answer names "notUpdated"
    And the answer does not name "AlreadyExists"
    And the entity "urn:ngsi-ld:House:1" holds
      """
      {"floors": {"value": 2}}
      """
