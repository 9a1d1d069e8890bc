@own @devices
Feature: Commands to devices
  An attribute that changes becomes a command: with the right to it, within the limits of the device, in its time, once.

  Background:
    Given the header Link is "<https://misono.example/contexts/sdm-transportation-v1.jsonld>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json""
    And a charger of 7400 watts that works

  Scenario: A command is sent in the device's unit, and what became of it is told
    When a client sets the "chargingLimit" of the charger to 3 KWT
    Then the answer is 204
    And the charger is told "SetChargingProfile" 3000 and nothing else
    And its "chargingLimit" is DELIVERED
    When the charger answers OK with "done"
    Then its "chargingLimit" is OK with "done"

  Scenario: Nobody without the right commands a device
    Given only the grid may command devices
    When a client sets the "chargingLimit" of the charger to 3000 WTT
    Then it is refused as Forbidden, naming "/chargingLimit"
    And the charger is told nothing
    And the charger has no "chargingLimit"

  Scenario: What is beyond the rated power is an error and never sent
    When a client sets the "chargingLimit" of the charger to 8000 WTT
    Then the answer is 204
    And its "chargingLimit" is ERROR with "8000 WTT is more than 7400 WTT (ratedPower)"
    And the charger is told nothing

  Scenario: What a limit needs and nobody knows holds the command
    Given the rated power of the charger is not known
    When a client sets the "chargingLimit" of the charger to 1 WTT
    Then its "chargingLimit" is ERROR with "ratedPower is not known, and this command depends on it"
    And the charger is told nothing

  Scenario: An interlock
    Given the charger is "outOfService"
    When a client sets the "chargingLimit" of the charger to 3000 WTT
    Then its "chargingLimit" is ERROR with "status is outOfService; only with working or almostFull is this command sent"
    And the charger is told nothing

  Scenario: A device that is away is told when it is back
    Given the charger cannot be reached
    When a client sets the "chargingLimit" of the charger to 3000 WTT
    Then its "chargingLimit" is PENDING, and nothing is known of a result
    When the charger can be reached after 2 seconds
    Then its "chargingLimit" is DELIVERED

  Scenario: A device that stays away is not told once the time is up
    Given the charger cannot be reached
    When a client sets the "chargingLimit" of the charger to 3000 WTT
    And the charger can be reached after 61 seconds
    Then its "chargingLimit" is EXPIRED with "the device was not reached in time"
    And the charger is told nothing from then on

  Scenario: A newer command takes the place of one that waits
    Given the charger cannot be reached
    When a client sets the "chargingLimit" of the charger to 1000 WTT
    And a client sets the "chargingLimit" of the charger to 2000 WTT
    And the charger can be reached after 2 seconds
    Then the charger was last told "SetChargingProfile" 2000, and not 1000

  Scenario: An answer that comes too late changes nothing
    When a client sets the "chargingLimit" of the charger to 3000 WTT
    And 61 seconds go by
    And the charger answers OK with "done"
    Then its "chargingLimit" is EXPIRED with "the device did not answer in time"
    And the audit says "made, sending, delivered, expired, late" and nothing else

  Scenario: What is read and written back is no command
    When a client sets the "chargingLimit" of the charger to 3000 WTT
    And the client writes back what it reads
    Then the answer is 204
    And the charger is told "SetChargingProfile" 3000 and nothing else

  @beside
  Scenario: An adapter that runs beside the hub is told of a change in the hub
    Given the adapter of the charger runs beside the hub
    When a client sets the "chargingLimit" of the charger to 3 KWT
    Then the answer is 204
    And the charger is told "SetChargingProfile" 3000 and nothing else
    When the charger answers OK with "done"
    Then its "chargingLimit" is OK with "done"

  @beside
  Scenario: Nobody without the right commands by way of an adapter beside the hub
    Given the adapter of the charger runs beside the hub
    And only the grid may command devices
    When a client sets the "chargingLimit" of the charger to 3000 WTT
    Then it is refused as Forbidden, naming "/chargingLimit"
    And the charger is told nothing

  @beside
  Scenario: What is written into the store past the hub is not obeyed
    Given the adapter of the charger runs beside the hub
    When the "chargingLimit" of the charger becomes 3000 WTT in the store, and nobody was asked
    Then the charger is told nothing
    When a client sets the "chargingLimit" of the charger to 2000 WTT
    Then the charger is told "SetChargingProfile" 2000 and nothing else

  @beside
  Scenario: An adapter that has given its claim back commands nothing
    Given the adapter of the charger runs beside the hub
    When the claim of the adapter is ended
    And a client sets the "chargingLimit" of the charger to 3000 WTT
    Then the answer is 204
    And the charger is told nothing

  @beside
  Scenario: Two adapters do not claim the same attribute
    Given the adapter of the charger runs beside the hub
    When another adapter claims the "chargingLimit" of the charger
    Then it is refused as Conflict, naming "/rows"

  Scenario: A charger that is deleted is not brought back by its answer
    When a client sets the "chargingLimit" of the charger to 3000 WTT
    And the charger's entity is deleted
    And the charger answers OK with "done"
    Then there is no charger
