// Numbers as people read them.

// Two decimals, or as many as show on which side of each limit the similarity lies; nothing but 100 is written as 100.
export function percent(similarity, limits = []) {
  if (similarity < 100 && similarity >= 99.995) return "99.99";
  for (let digits = 2; digits < 7; digits += 1) {
    const text = similarity.toFixed(digits);
    if (limits.every((limit) => Number(text) >= limit === similarity >= limit)) return text;
  }
  return String(similarity);
}
