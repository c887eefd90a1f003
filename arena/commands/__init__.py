"""The commands of `arena`: they read options, call the package and print. No command imports anything heavy at its top."""
