"""Small files of our own formats, to start from."""

from __future__ import annotations

EXAMPLES = {
    "questions.csv": """key,category,language,turns,reference,tags
boil-1,cooking,en,How long do I boil an egg so that its yolk stays soft?,About six minutes from boiling water.,eggs; short
sum-1,arithmetic,en,"A loaf costs 3 coins and a jar of jam 5. What do two loaves and a jar cost, in coins?",11,word problem
boil-2,cooking,zh,溏心蛋要煮多久？,水开后大约六分钟。,
""",
    "questions.jsonl": """{"key": "boil-1", "category": "cooking", "language": "en", "turns": ["How long do I boil an egg so that its yolk stays soft?"], "reference": ["About six minutes from boiling water."]}
{"key": "sum-1", "category": "arithmetic", "turns": ["A loaf costs 3 coins and a jar of jam 5. What do two loaves and a jar cost?", "And three loaves?"], "checks": [{"type": "number", "expected": 9, "turn": 2}], "tags": ["word problem"]}
""",
    "answers.csv": """question,model,version,vendor,turns,seconds,tokens_out
boil-1,Finch,2,Northmoor Labs,Six minutes in boiling water; then cool it at once.,1.4,14
sum-1,Finch,2,Northmoor Labs,11 coins.,0.9,4
""",
    "answers.jsonl": """{"question": "boil-1", "model": "Finch", "version": "2", "vendor": "Northmoor Labs", "turns": ["Six minutes in boiling water; then cool it at once."], "seconds": 1.4, "tokens_out": 14}
{"question": "sum-1", "model": "Finch", "version": "2", "vendor": "Northmoor Labs", "turns": ["11 coins.", "14 coins."]}
""",
    "scores.csv": """model,version,benchmark,category,metric,value,unit,n,target,source
Finch,2,pantry-exam,cooking,accuracy,71.5,%,200,75,our own bench of May
Finch,2,pantry-exam,arithmetic,accuracy,64,%,150,,our own bench of May
""",
}
TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}
