@own
Feature: The district's figures are worked out and published
  Once a day, from what the hub was told; figures of few are not told at all.

  Scenario: The figures of the day before
    Given the meters of five houses told of the day before
    When the operator has the day planned
    Then the hub shows the renewable share, the self-consumption, the hours of autonomy and the CO2 of the district
    And the renewable share is what of the energy used was not bought
    And nothing in them names a house

  Scenario: The same day again
    Given the meters of five houses told of the day before
    When the operator has the day planned
    And the operator has the day planned
    Then each figure is there once, and none has changed

  Scenario: One house does not tell
    Given the meters of five houses told of the day before
    And one of them told nothing
    When the operator has the day planned in the morning
    Then the hub shows no renewable share

  Scenario: Services that are used
    Given the meters of five houses told of the day before
    And 3 cars were charged the day before, and 1 earlier
    When the operator has the day planned
    Then 3 uses of services are told, and not 4

  Scenario: Too few to be told
    Given the meters of five houses told of the day before
    And 1 cars were charged the day before, and 1 earlier
    When the operator has the day planned
    Then no use of services is told

  Scenario: Homes from which one can walk
    Given a shop within a walk of 1 of five homes
    And the meters of five houses told of the day before
    When the operator has the day planned
    Then the walkability is 0.2, and not more

  Scenario: Who may read them
    Given the meters of five houses told of the day before
    And the operator has the day planned
    When "hana" asks for the district's figures
    Then she reads 6 figures with their names in both languages, and no house
    When the clinic asks for the district's figures
    Then it is refused as Forbidden, naming ""
