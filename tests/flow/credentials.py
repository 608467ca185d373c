"""The password of every member of staff that the tests make."""

PASSWORD = "correct horse battery staple"
