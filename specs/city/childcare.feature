@own
Feature: Childcare that neighbours share
  A family asks, neighbours who were checked offer to help, the family chooses, and the fee is paid once.

  Background:
    Given "taro" takes on "lookingAfter" of children from 12 months on, and was checked
    And "hana" has 5000 yen

  Scenario: Somebody helps, and is paid once
    Given "hana" has what becomes of it sent over MQTT
    When "hana" asks for "lookingAfter" of a child of 18 months for 3 hours at 800 yen
    Then "taro" finds it without the name of the family, of which nothing is told
    When "taro" offers to help
    And "hana" chooses "taro"
    Then over MQTT comes "shareState" "shareMatched"
    When it is over, and "hana" says so twice
    Then "taro" has 2400 yen, and not 4800
    And "hana" has 2600 yen, and not 200

  Scenario: Who was not checked sees nothing
    Given "ken" takes on "lookingAfter" of children from 0 months on, and nobody checked
    When "hana" asks for "lookingAfter" of a child of 18 months for 3 hours at 800 yen
    And "ken" offers to help
    Then it is refused as Forbidden, naming ""
    And the hub shows "ken" nothing of it

  Scenario: A child that is too young
    When "hana" asks for "lookingAfter" of a child of 6 months for 3 hours at 800 yen
    And "taro" offers to help
    Then it is refused as ResourceNotFound, naming "/request"
    And it suits nobody

  Scenario: Who did not offer is not chosen
    When "hana" asks for "lookingAfter" of a child of 18 months for 3 hours at 800 yen
    And "hana" chooses "taro"
    Then it is refused as Conflict, naming "/supporter"

  Scenario: A family that has not enough
    When "hana" asks for "lookingAfter" of a child of 18 months for 10 hours at 800 yen
    And "taro" offers to help
    And "hana" chooses "taro"
    And it is over, and "hana" says so twice
    Then it is refused as Conflict, naming "/legs"
    And "hana" has 5000 yen, and not 200

  Scenario: It is not done before it begins
    When "hana" asks for "lookingAfter" of a child of 18 months for 3 hours at 800 yen
    And "taro" offers to help
    And "hana" chooses "taro"
    And "hana" says that it is done
    Then it is refused as Conflict, naming "/request"
    And "hana" has 5000 yen, and not 2600

  Scenario: Nobody was found in time
    When "hana" asks for "lookingAfter" of a child of 18 months for 3 hours at 800 yen
    And 1500 minutes go by
    Then it is "shareCancelled", and nobody is paid

  Scenario: What is another family's
    When "hana" asks for "lookingAfter" of a child of 18 months for 3 hours at 800 yen
    And "ken" takes it back
    Then it is refused as ResourceNotFound, naming "/request"
    And it is "shareOpen", and nobody is paid
