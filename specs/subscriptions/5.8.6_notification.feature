@clause:5.8.6
@notifies
Feature: Notification behaviour
  What a change tells, to whom, and what it does not.

  Background:
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "name": {"type": "Property", "value": "one"},
       "temperature": {"type": "Property", "value": 20}}
      """

  Scenario: Each change of a watched attribute tells its own value
    Given the subscription
      """
      {"id": "urn:ngsi-ld:Subscription:1", "type": "Subscription", "entities": [{"type": "House"}], "watchedAttributes": ["temperature"],
       "notification": {"attributes": ["temperature"], "endpoint": {"uri": "http://receiver/notify"}}}
      """
    When a client updates attributes of the entity "urn:ngsi-ld:House:1"
      """
      {"temperature": {"type": "Property", "value": 21}}
      """
    And a client updates attributes of the entity "urn:ngsi-ld:House:1"
      """
      {"temperature": {"type": "Property", "value": 22}}
      """
    And a client updates attributes of the entity "urn:ngsi-ld:House:1"
      """
      {"name": {"type": "Property", "value": "two"}}
      """
    Then the receiver gets a notification that holds
      """
      {"type": "Notification", "subscriptionId": "urn:ngsi-ld:Subscription:1",
       "data": [{"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 21}}]}
      """
    And the answer does not name "one"
    And the receiver gets a notification that holds
      """
      {"data": [{"temperature": {"value": 22}}]}
      """
    And the receiver gets no other notification

  Scenario: Only what matches is told of
    Given the subscription
      """
      {"type": "Subscription", "entities": [{"type": "House"}], "q": "temperature>30",
       "notification": {"format": "keyValues", "endpoint": {"uri": "http://receiver/notify"}}}
      """
    When a client updates attributes of the entity "urn:ngsi-ld:House:1"
      """
      {"temperature": {"type": "Property", "value": 25}}
      """
    And a client updates attributes of the entity "urn:ngsi-ld:House:1"
      """
      {"temperature": {"type": "Property", "value": 35}}
      """
    Then the receiver gets a notification that holds
      """
      {"data": [{"id": "urn:ngsi-ld:House:1", "name": "one", "temperature": 35}]}
      """
    And the receiver gets no other notification

  Scenario: What was before, where changes are to be shown
    Given the subscription
      """
      {"type": "Subscription", "entities": [{"type": "House"}], "watchedAttributes": ["temperature"],
       "notification": {"showChanges": true, "attributes": ["temperature"], "endpoint": {"uri": "http://receiver/notify"}}}
      """
    When a client updates attributes of the entity "urn:ngsi-ld:House:1"
      """
      {"temperature": {"type": "Property", "value": 25}}
      """
    Then the receiver gets a notification that holds
      """
      {"data": [{"temperature": {"value": 25, "previousValue": 20}}]}
      """
    And the receiver gets no other notification

  Scenario: A deletion, where it is asked for
    Given the subscription
      """
      {"type": "Subscription", "entities": [{"type": "House"}], "notificationTrigger": ["entityDeleted"],
       "notification": {"endpoint": {"uri": "http://receiver/notify"}}}
      """
    When a client updates attributes of the entity "urn:ngsi-ld:House:1"
      """
      {"temperature": {"type": "Property", "value": 25}}
      """
    And a client deletes the entity "urn:ngsi-ld:House:1"
    Then the receiver gets a notification that holds
      """
      {"data": [{"id": "urn:ngsi-ld:House:1", "type": "House"}]}
      """
    And the answer names "deletedAt"
    And the answer does not name "temperature"
    And the receiver gets no other notification

  Scenario: Nothing is sent for a subscription that is paused or gone
    Given the subscription
      """
      {"id": "urn:ngsi-ld:Subscription:1", "type": "Subscription", "entities": [{"type": "House"}], "isActive": false,
       "notification": {"endpoint": {"uri": "http://receiver/notify"}}}
      """
    When a client updates attributes of the entity "urn:ngsi-ld:House:1"
      """
      {"temperature": {"type": "Property", "value": 25}}
      """
    Then the receiver gets no notification
    When a client deletes the subscription "urn:ngsi-ld:Subscription:1"
    And a client updates attributes of the entity "urn:ngsi-ld:House:1"
      """
      {"temperature": {"type": "Property", "value": 26}}
      """
    Then the receiver gets no notification

  Scenario: A place that cannot be told is refused
    When a client subscribes
      """
      {"type": "Subscription", "entities": [{"type": "House"}], "notification": {"endpoint": {"uri": "ftp://receiver/notify"}}}
      """
    Then the answer is 422
    And it is refused as OperationNotSupported
