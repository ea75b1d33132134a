"""What there is: tables of networks, studies, recipes and data sets, as plain facts."""
