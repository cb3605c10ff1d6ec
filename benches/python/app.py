"""The web app of the example `workers`, with Flask and `functools.lru_cache`."""

from functools import lru_cache

from flask import Flask, jsonify

app = Flask(__name__)


@lru_cache(maxsize=2)
def message():
    return "Stored"


@app.get("/")
def index():
    return jsonify(message=message())


@app.get("/get_cache_info")
def get_cache_info():
    info = message.cache_info()
    return jsonify(Hits=info.hits, Misses=info.misses, Maxsize=info.maxsize, Currsize=info.currsize)
