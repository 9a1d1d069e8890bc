@clause:5.6.1
Feature: Create Entity
  A producer creates an entity; its id is taken once.

  Scenario: A new entity is there at once
    When a client creates the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 20.5}}
      """
    Then the answer is 201
    And the answer has the header Location "/ngsi-ld/v1/entities/urn:ngsi-ld:House:1"
    And the answer has no body
    And the entity "urn:ngsi-ld:House:1" is exactly
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 20.5}}
      """

  Scenario: An id that is taken is refused, and what is there stays
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 20.5}}
      """
    When a client creates the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 99}}
      """
    Then the answer is 409
    And it is refused as AlreadyExists
    And the entity "urn:ngsi-ld:House:1" holds
      """
      {"temperature": {"value": 20.5}}
      """

  Scenario Outline: What is no entity is refused, naming the member
    When a client creates the entity
      """
      <body>
      """
    Then the answer is 400
    And it is refused as BadRequestData, naming "<pointer>"
    And there is no entity "urn:ngsi-ld:House:1"

    Examples:
      | body                                                                                            | pointer            |
      | {"type": "House"}                                                                               | /id                |
      | {"id": "no uri", "type": "House"}                                                               | /id                |
      | {"id": "urn:ngsi-ld:House:1"}                                                                   | /type              |
      | {"id": "urn:ngsi-ld:House:1", "type": []}                                                       | /type              |
      | {"id": "urn:ngsi-ld:House:1", "type": "House", "a": {"type": "Property", "value": null}}        | /a/value           |
      | {"id": "urn:ngsi-ld:House:1", "type": "House", "a": {"type": "Property"}}                       | /a                 |
      | {"id": "urn:ngsi-ld:House:1", "type": "House", "a": {"type": "Relationship", "object": "x y"}}  | /a/object          |
      | {"id": "urn:ngsi-ld:House:1", "type": "House", "a": {"type": "GeoProperty", "value": 5}}        | /a/value           |
      | {"id": "urn:ngsi-ld:House:1", "type": "House", "a": {"type": "Property", "value": 1, "observedAt": "2026-02-30T00:00:00Z"}} | /a/observedAt |
      | {"id": "urn:ngsi-ld:House:1", "type": "House", "a": {"type": "Property", "value": 1, "datasetId": "no uri"}} | /a/datasetId |

  Scenario: Every kind of attribute is kept as it came
    When a client creates the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": ["House", "Monument"], "scope": "/misono/east",
       "size": {"type": "Property", "value": {"b": [1.0, [2]], "a": "x"}},
       "owner": {"type": "Relationship", "object": ["urn:ngsi-ld:Person:1", "urn:ngsi-ld:Person:2"]},
       "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [139.7, 35.6]}},
       "name": {"type": "LanguageProperty", "languageMap": {"ja": "御園", "en": "Misono"}},
       "use": {"type": "VocabProperty", "vocab": "dwelling"},
       "plan": {"type": "JsonProperty", "json": {"id": "x", "type": 5}},
       "floors": {"type": "ListProperty", "valueList": [1]},
       "doors": {"type": "ListRelationship", "objectList": [{"object": "urn:ngsi-ld:Door:1"}]}}
      """
    Then the answer is 201
    And the entity "urn:ngsi-ld:House:1" is exactly
      """
      {"id": "urn:ngsi-ld:House:1", "type": ["House", "Monument"], "scope": "/misono/east",
       "size": {"type": "Property", "value": {"b": [1.0, [2]], "a": "x"}},
       "owner": {"type": "Relationship", "object": ["urn:ngsi-ld:Person:1", "urn:ngsi-ld:Person:2"]},
       "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [139.7, 35.6]}},
       "name": {"type": "LanguageProperty", "languageMap": {"ja": "御園", "en": "Misono"}},
       "use": {"type": "VocabProperty", "vocab": "dwelling"},
       "plan": {"type": "JsonProperty", "json": {"id": "x", "type": 5}},
       "floors": {"type": "ListProperty", "valueList": [1]},
       "doors": {"type": "ListRelationship", "objectList": [{"object": "urn:ngsi-ld:Door:1"}]}}
      """
    And the entity "urn:ngsi-ld:House:1" has no "createdAt"
