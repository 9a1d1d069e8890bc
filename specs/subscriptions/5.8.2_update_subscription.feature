@clause:5.8.2
Feature: Update Subscription
  A part of a subscription is changed, or its delivery paused.

  Background:
    Given the subscription
      """
      {"id": "urn:ngsi-ld:Subscription:1", "type": "Subscription", "description": "first", "entities": [{"type": "House"}],
       "notification": {"endpoint": {"uri": "http://127.0.0.1:9/notify"}}}
      """

  Scenario: What is given changes, the rest stays
    When a client updates the subscription "urn:ngsi-ld:Subscription:1"
      """
      {"watchedAttributes": ["temperature"], "description": "second"}
      """
    Then the answer is 204
    And the answer has no body
    And the subscription "urn:ngsi-ld:Subscription:1" is as
      """
      {"description": "second", "watchedAttributes": ["temperature"], "entities": [{"type": "House"}], "status": "active"}
      """

  Scenario: Paused, and active again
    When a client updates the subscription "urn:ngsi-ld:Subscription:1"
      """
      {"isActive": false}
      """
    Then the answer has no body
    And the subscription "urn:ngsi-ld:Subscription:1" is as
      """
      {"status": "paused"}
      """
    When a client updates the subscription "urn:ngsi-ld:Subscription:1"
      """
      {"isActive": true}
      """
    Then the subscription "urn:ngsi-ld:Subscription:1" is as
      """
      {"status": "active"}
      """

  Scenario: A time that is over is refused
    When a client updates the subscription "urn:ngsi-ld:Subscription:1"
      """
      {"expiresAt": "2020-01-01T00:00:00Z", "isActive": true}
      """
    Then the answer is 400
    And it is refused as BadRequestData, naming "/expiresAt"

  Scenario: An unknown subscription is refused
    When a client updates the subscription "urn:ngsi-ld:Subscription:2"
      """
      {"isActive": false}
      """
    Then the answer is 404
    And it is refused as ResourceNotFound
