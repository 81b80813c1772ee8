// The same request for programs: curl, and the Python client.

export function curlOf(type, sides, threshold) {
  const paths = Object.fromEntries(sides.map((side) => [`${side}_path`, `${side}.jpg`]));
  const body = JSON.stringify({ type, ...paths, threshold, include: ["boxes", "reasons"] });
  return `eval "$(face-validation env)"
curl -s "$API_URL/validation" -H "Authorization: Bearer $TOKEN" \\
  -H 'Content-Type: application/json' -d '${body}'`;
}

export function pythonOf(type, sides, threshold) {
  const source = sides.includes("source") ? '"source.jpg"' : "None";
  return `from face_validation.client import FaceValidationClient

with FaceValidationClient.local() as client:
    result = client.validate_files(${source}, "target.jpg", "${type}", threshold=${threshold})
    print(result.matched, result.similarity)`;
}
