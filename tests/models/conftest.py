from hub_standin import hub as hub  # the fixture, for the tests beside it
