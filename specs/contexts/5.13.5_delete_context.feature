@clause:5.13.5
Feature: Delete and Reload @context
  A hosted @context goes; one that was never fetched is not fetched anew.

  Background:
    Given the hosted @context
      """
      {"@context": {"colour": "https://example.org/colour"}}
      """

  Scenario: It goes
    When the hosted @context is deleted
    Then the answer is 204
    And the answer has no body
    When the hosted @context is served
    Then the answer is 404

  Scenario: A hosted one has no place to be reloaded from; that is refused
    When the hosted @context is reloaded
    Then the answer is 400
    And it is refused as BadRequestData
    When the hosted @context is served
    Then the answer is 200

  Scenario: An unknown @context is refused
    When a client sends DELETE to "/jsonldContexts/unknown"
    Then the answer is 404
    And it is refused as ResourceNotFound
