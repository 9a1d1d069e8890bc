@clause:5.7.1
Feature: Retrieve Entity
  One entity by its id, whole or in part.

  Background:
    Given the entities
      """
      [{"id": "urn:ngsi-ld:House:1", "type": "House", "scope": "/misono/east/one",
        "temperature": {"type": "Property", "value": 10, "quality": {"type": "Property", "value": "good"}},
        "name": {"type": "LanguageProperty", "languageMap": {"ja": "家", "en": "house"}},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [139.70, 35.60]}},
        "owner": {"type": "Relationship", "object": "urn:ngsi-ld:Person:1"}},
       {"id": "urn:ngsi-ld:House:2", "type": ["House", "Monument"], "scope": "/misono/west",
        "temperature": [{"type": "Property", "value": 20}, {"type": "Property", "value": 99, "datasetId": "urn:x:roof"}],
        "address": {"type": "Property", "value": {"city": "Misono", "no": 5}},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [139.71, 35.60]}}},
       {"id": "urn:ngsi-ld:Room:1", "type": "Room", "temperature": {"type": "Property", "value": "20"}},
       {"id": "urn:ngsi-ld:Person:1", "type": "Person", "family": {"type": "Property", "value": "Sato"}}]
      """

  Scenario: The whole entity
    When a client retrieves the entity "urn:ngsi-ld:Person:1"
    Then the answer is 200
    And the answer is exactly
      """
      {"id": "urn:ngsi-ld:Person:1", "type": "Person", "family": {"type": "Property", "value": "Sato"}}
      """
    And the answer has no member "createdAt"

  Scenario: Only what is picked
    When a client retrieves with "pick=id,temperature" the entity "urn:ngsi-ld:House:1"
    Then the answer is 200
    And the answer has no member "name"
    And the answer has no member "type"
    And the answer holds
      """
      {"id": "urn:ngsi-ld:House:1", "temperature": {"value": 10}}
      """

  Scenario: Only one instance
    When a client retrieves with "datasetId=urn:x:roof" the entity "urn:ngsi-ld:House:2"
    Then the answer is 200
    And the answer holds
      """
      {"temperature": {"value": 99, "datasetId": "urn:x:roof"}}
      """
    And the answer does not name "urn:x:cave"

  Scenario: An unknown entity is refused
    When a client retrieves the entity "urn:ngsi-ld:House:9"
    Then the answer is 404
    And it is refused as ResourceNotFound

  Scenario: What is no URI is refused
    When a client retrieves the entity "house"
    Then the answer is 400
    And it is refused as BadRequestData
