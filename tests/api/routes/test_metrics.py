from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families


def test_metrics_are_in_prometheus_own_format(client: FlaskClient) -> None:
    client.get("/health/live").close()
    answer = client.get("/metrics")
    assert answer.content_type.startswith("text/plain")
    names = {family.name for family in text_string_to_metric_families(answer.text)}
    assert {"trueline_http_requests", "trueline_queue_jobs", "trueline_workers"} <= names


def test_open_metrics_are_one_document(client: FlaskClient) -> None:
    answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert answer.content_type.startswith("application/openmetrics-text")
    assert answer.text.count("# EOF") == 1
    assert answer.text.endswith("# EOF\n")
