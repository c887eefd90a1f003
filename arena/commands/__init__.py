"""The commands of `arena`: they read options, call the package and print. None imports anything heavy at its top."""
