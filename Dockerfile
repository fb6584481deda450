# The service on a CPU; the weights of the demo checkpoint are part of the package. See docs/service.md.
FROM python:3.12-slim
WORKDIR /app
COPY . .
RUN pip install --no-cache-dir torch --index-url https://download.pytorch.org/whl/cpu \
    && pip install --no-cache-dir '.[serve,kokoro]' \
    && useradd --create-home speaker \
    && install -d -o speaker /voices
USER speaker
WORKDIR /home/speaker
ENV HF_HUB_OFFLINE=1
EXPOSE 8000
VOLUME /voices
HEALTHCHECK --start-period=2m CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz')"]
# the key comes from the variable IDFACEVC_API_KEY; without it the service does not start
CMD ["idfacevc", "serve", "--host", "0.0.0.0", "--keep", "/voices"]
