@own
Feature: Watching over people
  Who asks for it is watched over by what their home says; who is to look is told, one after the other, until somebody does.

  Background:
    Given "hana" has a motion sensor, a thermometer and a door that tell her home
    And "hana" has "taro" told first, then "guards"

  Scenario: Usual activity is missing, the family is told, and looks
    Given for 8 days there was activity in the home of "hana" from 6 to 12 o'clock
    And "hana" has what is noticed sent over MQTT
    When there is no activity from 6 to 11 o'clock
    Then it is noticed as "noActivity", and "taro" is told but not "guards"
    And over MQTT comes "watchState" "watchRaised"
    When "taro" looks
    And 120 minutes go by
    Then it is "watchAcknowledged", and nobody else was told

  Scenario: Nobody looks, and the next one is told who was allowed to be
    Given "hana" lets "guards" be told
    And for 8 days there was activity in the home of "hana" from 6 to 12 o'clock
    When there is no activity from 6 to 11 o'clock
    And 40 minutes go by
    Then it is "watchEscalated", and not "watchRaised"
    And "guards" is told without the evidence, of which there is none in the answer

  Scenario: An organisation that was not allowed is passed over
    Given for 8 days there was activity in the home of "hana" from 6 to 12 o'clock
    When there is no activity from 6 to 11 o'clock
    And 40 minutes go by
    Then "guards" is told of nothing

  Scenario: A silence at night is as usual
    Given for 8 days there was activity in the home of "hana" from 6 to 12 o'clock
    When there is no activity from 21 to 29 o'clock
    Then nothing is noticed

  Scenario: Heat indoors grows worse, and is over by itself
    Given "hana" has what is noticed sent over MQTT
    When the thermometer of "hana" tells 33 degrees at 60 per cent
    Then it is noticed as "indoorHeat" at the level "caution"
    When the thermometer of "hana" tells 36 degrees at 70 per cent
    Then it is noticed as "indoorHeat" at the level "emergency"
    And over MQTT comes "watchLevel" "emergency"
    When the thermometer of "hana" tells 24 degrees at 50 per cent
    Then it is "watchResolved", and nobody has to look

  Scenario: A door stays open
    When the door of "hana" is "open"
    And 20 minutes go by
    Then nothing is noticed
    When 15 minutes go by
    Then it is noticed as "doorLeftOpen" at the level "caution"
    When the door of "hana" is "closed"
    Then it is "watchResolved", and nobody has to look

  Scenario: A sensor of somebody else
    When "taro" asks to be watched over by the sensor of "hana"
    Then it is refused as BadRequestData, naming "/sources/activity/0"

  Scenario: What was noticed is nobody else's
    When the thermometer of "hana" tells 36 degrees at 70 per cent
    And "ken" asks what was noticed about "hana"
    Then it is refused as Forbidden, naming "for"
    When "ken" says that he looks
    Then it is refused as ResourceNotFound, naming "/event"
    And the hub shows "ken" nothing of it

  Scenario: Who ends it is watched no longer
    When "hana" ends it
    And the thermometer of "hana" tells 36 degrees at 70 per cent
    Then nothing is noticed
