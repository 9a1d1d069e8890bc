@own
Feature: The gate of data models
  Entities of a type are held to its model, whatever writes them: off, warned of or refused.

  Background:
    Given the header Link is "<https://misono.example/contexts/misono-energy-v1.jsonld>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json""

  Scenario: Nothing is held where nobody said so
    When a client creates the entity
      """
      {"id": "urn:ngsi-ld:DigitalGridRouter:1", "type": "DigitalGridRouter", "ratedPower": {"type": "Property", "value": -1}}
      """
    Then the answer is 201
    And the answer has no header Misono-Model-Warning

  Scenario: An entity that breaks its model is refused, by the names that the client uses
    Given entities of the model "DigitalGridRouter" are held to it with reject
    When a client creates the entity
      """
      {"id": "urn:ngsi-ld:DigitalGridRouter:1", "type": "DigitalGridRouter", "name": {"type": "Property", "value": "R1"},
       "refBuilding": {"type": "Relationship", "object": "urn:ngsi-ld:Building:1"},
       "operationMode": {"type": "VocabProperty", "vocab": "autonomous"},
       "ratedPower": {"type": "Property", "value": -1, "unitCode": "KWT"}}
      """
    Then it is refused as BadRequestData, naming "/ratedPower/value"
    And the answer names "-1 KWT is -1000 WTT"
    And there is no entity "urn:ngsi-ld:DigitalGridRouter:1"

  Scenario: What the model misses is told
    Given entities of the model "DigitalGridRouter" are held to it with reject
    When a client creates the entity
      """
      {"id": "urn:ngsi-ld:DigitalGridRouter:1", "type": "DigitalGridRouter", "name": {"type": "Property", "value": "R1"}}
      """
    Then it is refused as BadRequestData
    And the answer names "operationMode"
    And there is no entity "urn:ngsi-ld:DigitalGridRouter:1"

  Scenario: A word that no vocabulary has
    Given entities of the model "DigitalGridRouter" are held to it with reject
    When a client creates the entity
      """
      {"id": "urn:ngsi-ld:DigitalGridRouter:1", "type": "DigitalGridRouter", "name": {"type": "Property", "value": "R1"},
       "refBuilding": {"type": "Relationship", "object": "urn:ngsi-ld:Building:1"},
       "operationMode": {"type": "VocabProperty", "vocab": "sleeping"}}
      """
    Then it is refused as BadRequestData, naming "/operationMode/vocab"
    And there is no entity "urn:ngsi-ld:DigitalGridRouter:1"

  Scenario: With warnings the entity is let in, and the answer says what is wrong with it
    Given entities of the model "DigitalGridRouter" are held to it with warn
    When a client creates the entity
      """
      {"id": "urn:ngsi-ld:DigitalGridRouter:1", "type": "DigitalGridRouter", "ratedPower": {"type": "Property", "value": -1}}
      """
    Then the answer is 201
    And the header Misono-Model-Warning of the answer names "/ratedPower/value"
    And the answer has no body

  Scenario: A good entity is not warned of
    Given entities of the model "DigitalGridRouter" are held to it with warn
    When a client creates the entity
      """
      {"id": "urn:ngsi-ld:DigitalGridRouter:1", "type": "DigitalGridRouter", "name": {"type": "Property", "value": "R1"},
       "refBuilding": {"type": "Relationship", "object": "urn:ngsi-ld:Building:1"},
       "operationMode": {"type": "VocabProperty", "vocab": "autonomous"},
       "ratedPower": {"type": "Property", "value": 5, "unitCode": "KWT"}}
      """
    Then the answer is 201
    And the answer has no header Misono-Model-Warning

  Scenario: In a batch the good ones are written
    Given entities of the model "Tariff" are held to it with reject
    When a client creates the batch
      """
      [{"id": "urn:ngsi-ld:DigitalGridRouter:1", "type": "DigitalGridRouter"}, {"id": "urn:ngsi-ld:Tariff:1", "type": "Tariff"}]
      """
    Then the answer is 207
    And the answer names "Model violation"
    And there is no entity "urn:ngsi-ld:Tariff:1"
