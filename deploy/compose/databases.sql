-- Run once, as the superuser, when the volume of PostgreSQL is new. \getenv reads the variables of the container.
\getenv mlflow_password MLFLOW_DB_PASSWORD
\getenv gateway_password GATEWAY_DB_PASSWORD
create role mlflow login password :'mlflow_password';
create role gateway login password :'gateway_password';
create database mlflow owner mlflow;
create database gateway owner gateway;
revoke all on database mlflow from public;
revoke all on database gateway from public;
revoke connect on database postgres from public;
