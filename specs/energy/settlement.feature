@own
Feature: What exchanged power comes to
  Every half hour is metered, settled once, and booked so that all sums are zero; what was wrong is taken back, not edited.

  Background:
    Given a tariff of 2 yen a kWh for the line
    And "hana" sold "taro" 600 Wh at 15 yen

  Scenario: Both are settled by their meters
    Given the power flowed as agreed
    When the operator settles the day
    Then "hana" gets 9.000 yen, and "taro" pays 10.200 yen
    And the books balance in yen and in watt-hours
    And no entity of it is "hana"'s but for herself

  Scenario: Settling again is nothing
    Given the power flowed as agreed
    When the operator settles the day
    And the operator settles the day
    Then there is 1 run of the day, and not 2
    And the books balance in yen and in watt-hours

  Scenario: A meter that was wrong changes its slot, by reversal
    Given the power flowed as agreed
    And the imbalance price of the slot is 20 yen
    When the operator settles the day
    And the operator corrects the meter of "taro" to 700 Wh
    And the operator settles the day
    Then "hana" gets 9.000 yen, and "taro" pays 12.200 yen
    And one posting was taken back, and none was edited
    And the books balance in yen and in watt-hours

  Scenario: A day is not final while what differs has no price
    Given "taro" took more than agreed
    When the operator settles the day
    And the operator wants the day to be final
    Then it is refused as Conflict, naming "/status"

  Scenario: A statement is one's own
    Given the power flowed as agreed
    When the operator settles the day
    Then "hana" reads her statement in Japanese and in English, without scripts, and as CSV
    And "taro" may not read the statement of "hana"
    And the operator may not read the statement of "hana"

  Scenario: A resident does not run settlement
    Given the power flowed as agreed
    When "hana" settles the day
    Then it is refused as Forbidden
    And there are no runs of the day
