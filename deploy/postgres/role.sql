-- For the first start of compose.yaml's database: the API's role and what it owns, nothing more.
\getenv password POSTGRES_PASSWORD
CREATE ROLE trueline LOGIN PASSWORD :'password';
CREATE DATABASE trueline OWNER trueline ENCODING 'UTF8' TEMPLATE template0;
REVOKE CONNECT ON DATABASE trueline FROM PUBLIC;
-- From now on the superuser comes in through the socket inside of the container alone.
ALTER ROLE postgres PASSWORD NULL;
