@clause:6.3.2
Feature: Error Types
  A refusal says what is wrong, where, by which clause, and what would work.

  Scenario: A body that is no JSON is refused
    When a client creates the entity
      """
      {"id": "urn:ngsi-ld:House:1",
      """
    Then the answer is 400
    And it is refused as InvalidRequest
    And the answer has the header Content-Type "application/json"

  Scenario: A name given twice is refused
    When a client creates the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "id": "urn:ngsi-ld:House:2"}
      """
    Then the answer is 400
    And it is refused as InvalidRequest
    And there is no entity "urn:ngsi-ld:House:2"

  Scenario: A path that is none is refused
    When a client asks for "/houses"
    Then the answer is 404
    And it is refused as ResourceNotFound

  Scenario: A method that a path has not is refused, and those it has are told
    When a client sends PUT to "/entities"
    Then the answer is 405
    And the header Allow of the answer names "POST"
    And it is refused as MethodNotAllowed
