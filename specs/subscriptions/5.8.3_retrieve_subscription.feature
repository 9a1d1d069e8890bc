@clause:5.8.3
Feature: Retrieve Subscription
  A subscription as it was made, and how it is.

  Background:
    Given the subscription
      """
      {"id": "urn:ngsi-ld:Subscription:1", "type": "Subscription", "description": "first", "entities": [{"type": "House"}],
       "notification": {"endpoint": {"uri": "http://127.0.0.1:9/notify"}}}
      """

  Scenario: Before anything was sent it has no counters but zero
    When a client retrieves the subscription "urn:ngsi-ld:Subscription:1"
    Then the answer is 200
    And the answer holds
      """
      {"id": "urn:ngsi-ld:Subscription:1", "type": "Subscription", "description": "first", "status": "active"}
      """
    And the answer does not name "lastNotification"

  Scenario: With its system attributes
    When a client asks for "/subscriptions/urn:ngsi-ld:Subscription:1?options=sysAttrs"
    Then the answer names "createdAt"
    And the answer does not name "instanceId"

  Scenario: An unknown subscription is refused
    When a client retrieves the subscription "urn:ngsi-ld:Subscription:2"
    Then the answer is 404
    And it is refused as ResourceNotFound

  Scenario: An id that is no URI is refused
    When a client retrieves the subscription "first"
    Then the answer is 400
    And it is refused as BadRequestData
