"""The peers, in the order in which they are measured."""

from bench.peers.airflow import AIRFLOW, EAGER_AIRFLOW
from bench.peers.celery import CELERY
from bench.peers.meltano import MELTANO
from bench.peers.prefect import PREFECT

PEERS = (CELERY, MELTANO, AIRFLOW, EAGER_AIRFLOW, PREFECT)
