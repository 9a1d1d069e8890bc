@own
Feature: The life of points
  Points last a year. The oldest are spent first, and what is left then goes back to who issued it, once.

  Background:
    Given "hana" was issued 100 points, and 200 days later 50 more

  Scenario: What nobody spent expires, once
    Given "hana" has what becomes of her account sent over MQTT
    When 170 days go by
    Then "hana" has 50 points, and not 150
    And over MQTT comes "balance" "50"
    When 1 days go by
    Then "hana" has 50 points, and not 0

  Scenario: The oldest are spent first
    Given "hana" moves 70 points to "taro"
    Then the points of "hana" are 30 and 50, and no others
    When 170 days go by
    Then "hana" has 50 points, and not 80
    And "taro" has 70 points, and not 0

  Scenario: What was spent does not expire
    Given "hana" moves 120 points to "taro"
    When 170 days go by
    Then "hana" has 30 points, and not 0
    When "hana" asks for the points of "taro"
    Then it is refused as Forbidden, naming "for"

  Scenario: What expired cannot be spent
    When 170 days go by
    And "hana" moves 70 points to "taro"
    Then it is refused as Conflict, naming "/legs"
    And the books hold, and nothing is missing

  Scenario: Points of an account that is frozen wait, and others expire
    Given "taro" was issued 20 points
    And the operator froze the account of "hana"
    When 400 days go by while "hana" waits
    Then "taro" has 0 points, and not 20
    And "hana" has 150 points, and not 0
