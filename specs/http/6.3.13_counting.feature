@clause:6.3.13
Feature: Counting number of results
  How many match, beside a page of them or alone.

  Background:
    Given the entities
      """
      [{"id": "urn:ngsi-ld:House:1", "type": "House"}, {"id": "urn:ngsi-ld:House:2", "type": "House"}]
      """

  Scenario: Beside a page
    When a client queries entities with "type=House&limit=1&count=true"
    Then the answer has the header NGSILD-Results-Count "2"
    And the answer lists "urn:ngsi-ld:House:1" and no other entity

  Scenario: Alone
    When a client queries entities with "type=House&limit=0&count=true"
    Then the answer has the header NGSILD-Results-Count "2"
    And the answer lists no entity

  Scenario: It does not come unasked
    When a client queries entities with "type=House"
    Then the answer has no header NGSILD-Results-Count

  Scenario: What is no flag is refused
    When a client queries entities with "type=House&count=1"
    Then the answer is 400
    And it is refused as BadRequestData, naming "count"
