@clause:5.8.5
Feature: Delete Subscription
  Nobody is told any more.

  Background:
    Given the subscription
      """
      {"id": "urn:ngsi-ld:Subscription:1", "type": "Subscription", "description": "first", "entities": [{"type": "House"}],
       "notification": {"endpoint": {"uri": "http://127.0.0.1:9/notify"}}}
      """

  Scenario: It is gone
    When a client deletes the subscription "urn:ngsi-ld:Subscription:1"
    Then the answer is 204
    And the answer has no body
    When a client retrieves the subscription "urn:ngsi-ld:Subscription:1"
    Then the answer is 404
    And it is refused as ResourceNotFound

  Scenario: An unknown subscription is refused
    When a client deletes the subscription "urn:ngsi-ld:Subscription:2"
    Then the answer is 404
    And it is refused as ResourceNotFound
