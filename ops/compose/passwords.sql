-- PostgreSQL's image runs it after roles.sql when it makes the database: gives the two roles their passwords.
\set password `cat /run/secrets/database_password`
ALTER ROLE lockstep PASSWORD :'password';
\set password `cat /run/secrets/owner_database_password`
ALTER ROLE lockstep_owner PASSWORD :'password';
