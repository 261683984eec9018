"""`utils.http` in a sandbox whose only way out is the proxy, fresh and warm."""

from typing import Any

Travel = Any
Site = Any


def test_a_declared_host_is_reached(travel: Travel, site: Site, secure_site: Site) -> None:
    plain, secure = f"127.0.0.1:{site.port}", f"localhost:{secure_site.port}"
    path = travel.trust(secure_site)
    acts = [("by_client", f"http://{plain}/a"), ("by_client", f"https://{secure}/a", path)]
    trip = travel.go(*acts, hosts=[plain, secure])
    assert trip.answers == [f"/a of {plain}, None", f"/a of {secure}, None"]


def test_another_host_is_no_matter_of_credentials(travel: Travel) -> None:
    urls = ["http://elsewhere.test/", "https://elsewhere.test/"]
    trip = travel.go(*(("by_client", url) for url in urls), hosts=["declared.test"])
    advice = "name the host in `hosts` of the integration's entry in integrations.json"
    assert trip.answers == [f"permanent: {advice}"] * 2
