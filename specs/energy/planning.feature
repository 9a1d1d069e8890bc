@own
Feature: A house's day is forecast and planned
  Every participant has a plan of their battery and their car, which says why; nobody sees that of another.

  Background:
    Given a kWh costs 20 yen until seven in the morning, and 35 yen afterwards

  Scenario: Everybody's day is planned once
    Given the meters of five houses told of the day before
    When the operator has the day planned
    Then 5 houses were planned
    When the operator has the day planned
    Then 0 houses were planned, and nobody has a second plan
    And "hana" has 1 plan

  Scenario: A plan says why, in Japanese and in English
    Given the meters of five houses told of the day before
    When "hana" asks for a plan
    Then every hour of it has its reason in both languages, and none is without
    And it is never worse than leaving everything alone

  Scenario: A warning keeps a reserve
    Given a typhoon is warned of
    When "hana" asks for a plan
    Then the battery holds 4800 Wh within 3 hours, and not less from then on
    And the reason is the warning

  Scenario: A warning that is not grave keeps none
    Given a shower is told of
    When "hana" asks for a plan
    Then the reason is not the warning

  Scenario: The car is charged before it leaves
    Given "hana" wishes that her car has 30 kWh when it leaves at 07:30
    When "hana" asks for a plan
    Then the car takes 22.2 kWh before 07:30, and nothing after it
    And the reason names when the car leaves

  Scenario: A car that would hold more than it can
    When "hana" wishes that her car has 50 kWh when it leaves at 07:30
    Then it is refused as BadRequestData, naming "/car/needed"

  Scenario: Who would rather be ready than save
    Given "hana" wishes to be ready for an outage
    When "hana" asks for a plan
    Then the battery is as full as it may be within 3 hours, and not less from then on

  Scenario: The plan of another
    Given "hana" asked for a plan
    When "taro" asks for that plan
    Then it is refused as ResourceNotFound, naming "/plan"

  Scenario: A plan for the house of another
    When "taro" asks for a plan of the house of "hana"
    Then it is refused as Forbidden, naming "/participant"

  Scenario: Forecasts are of one's own house
    When "hana" asks what her house will make and use
    Then 48 half hours are told, and none is below nothing
    When the operator asks what her house will make and use
    Then it is refused as Forbidden, naming ""
