"""Names by which answers tell who wrote them: well-known assistants and their makers, in English and Chinese, as tables."""

from __future__ import annotations

ASSISTANTS = """
chatgpt|chat gpt|gpt|instructgpt|qwen|qwq|qvq|tongyi|tongyi qianwen|qianwen|deepseek|deep seek|kimi|kimichat|chatglm|glm|ernie bot
|ernie|wenxin|wenxin yiyan|hunyuan|doubao|minimax|abab|internlm|internvl|baichuan|skywork|sparkdesk|pangu|sensechat|sensenova
|lamda|mixtral|ministral|codestral|pixtral|magistral|nemotron|command r|jamba|dbrx|olmo|tulu|starcoder|wizardlm|stablelm|openchat
|openassistant|open assistant|exaone|hyperclova|smollm|bing chat|codellama|code llama|chatllama|minicpm|telechat|mimo v2|xgen
|yi large|yi lightning|step 1v|llava|cogview|moss|openhermes|siri|le chat|notebooklm|huggingchat
|通义千问|通义|千问|文心一言|文心大模型|混元|腾讯混元|腾讯元宝|豆包|讯飞星火|星火认知|智谱清言|清言|悟道|盘古大模型|天工大模型|日日新|商量
|书生浦语|书生万象|百川大模型|海螺ai|跃问|万知|紫东太初|智脑|秘塔|百灵大模型|蓝心|小艺|小爱同学|天猫精灵|小度|子曰|序列猴子|言犀
"""
"""Names that are no word: "I am" and one of these names its maker, however it is written."""

ASSISTANTS_LIKE_WORDS = """
claude|gemini|gemma|bard|palm|llama|mistral|grok|copilot|vicuna|alpaca|falcon|phi|orca|titan|nova|bloom|zephyr|hermes|dolly|guanaco
|koala|pythia|solar|granite|arctic|aya|alexa|cortana|bing|command|jurassic|perplexity|yi|reka|spark|step|pi|seed|nemo|sonar
|文心|元宝|星火|盘古|天工|百川|海螺|书生|蓝心小v
"""
"""Names that are also stars, animals, people and things."""

MAKERS = """
openai|open ai|anthropic|google|google ai|google deepmind|deepmind|google research|alphabet|meta|meta ai|facebook|facebook ai|microsoft
|microsoft research|amazon|aws|apple|nvidia|ibm|alibaba|alibaba cloud|alibaba group|aliyun|damo academy|tongyi lab|baidu|tencent|bytedance
|huawei|huawei cloud|zhipu|zhipu ai|zhipuai|z ai|moonshot|moonshot ai|high flyer|01 ai|iflytek|sensetime|stepfun|baai|shanghai ai lab
|shanghai ai laboratory|shanghai artificial intelligence laboratory|tsinghua|tsinghua university|kunlun|xiaomi|mistral ai|cohere|ai21|ai21 labs
|xai|x ai|stability ai|hugging face|huggingface|databricks|mosaicml|lmsys|eleutherai|allen institute|allen institute for ai|allenai
|technology innovation institute|tii|salesforce|snowflake|upstage|naver|lg ai research|samsung|reka ai|perplexity ai|inflection ai|character ai
|nous research|together ai|aleph alpha|sakana ai|yandex|sber|baichuan inc|baichuan ai|baichuan intelligence|modelbest|kuaishou|meituan
|阿里云|阿里巴巴|阿里巴巴集团|阿里巴巴达摩院|阿里|达摩院|通义实验室|百度|腾讯|腾讯云|字节跳动|字节|火山引擎|华为|华为云|科大讯飞|讯飞|智谱|智谱ai|智谱华章
|清华大学|清华|商汤|商汤科技|月之暗面|深度求索|零一万物|百川智能|昆仑万维|阶跃星辰|上海人工智能实验室|智源|智源研究院|小米|苹果|苹果公司|谷歌|微软
|亚马逊|脸书|英伟达|三星|面壁智能|奇虎360|京东|美团|快手|网易|网易有道|中国电信|中国移动|稀宇科技|幻方|幻方量化|元象
"""
"""Companies and laboratories: they tell who wrote an answer only where it says that they made it."""

TIERS = """
pro max plus turbo flash mini nano lite ultra opus sonnet haiku instruct chat base preview large medium small tiny latest coder math vl omni
thinking think reasoner instant advanced next exp distill moe it hf awq gptq gguf experimental vision audio long air bot ai code high low
uncensored open oss fast deep research canvas studio
"""
"""What follows a name and belongs to it: "Claude Opus", "GPT-4 Turbo", "qwen2.5-72b-instruct"."""

GENERIC = """
model version system candidate answer assistant test base ver release run agent bot question option step part text the a an and of for demo sample
baseline reference new old default main first second third left right local remote prod production beta alpha stable final llm ai language network
note chapter section figure table level phase stage grade class type group team unit room page line item day week year chat
"""
"""Words that name nothing, with a number behind them either: "step 1", "model 2"."""

COMMON_WORDS = """
acorn agate alder almond amber anchor angel antelope apollo apple apricot aqua archer arrow ash aspen aster atlas atom aurora autumn badger bamboo
banana bear beacon beaver berry birch bison bird blaze blossom blue boulder breeze bridge bronze brook butterfly cactus camel canary candle canyon
carbon cardinal castle cat cedar chameleon cheetah cherry chestnut cinder citrine clay cloud clover cobalt cobra comet compass condor copper coral
cosmos cougar coyote crane creek cricket crimson crow crown crystal cyan cypress daisy dawn deer delta desert diamond dingo dolphin dove dragon dune
eagle earth ebony echo eclipse elephant elk elm ember emerald engine ermine falcon fawn feather fern ferret fig finch fire fjord flame flamingo flint
flower forest forge fossil fox frost galaxy garnet gazelle gecko giraffe glacier globe goat gold goose granite grape grass green grove gull harbor
harbour hare harvest hawk hazel heart heather hedgehog helium hemlock heron hickory hill honey horizon horse hydra ibis ice indigo iris iron island ivory
ivy jackal jade jaguar jasmine jasper jay juniper jupiter kestrel keystone kingfisher kite kiwi lagoon lake lantern lark laurel lava lavender leaf
lemon lemur leopard lighthouse lightning lilac lily lime linden lion lizard llama lotus lunar lynx magnet magpie mango maple marble mars marten meadow
mercury mesa meteor midnight mint mirage mirror mole moon moose morning moss mountain mulberry myrtle nebula neptune night nimbus north oak oasis
ocean olive onyx opal orange orbit orca orchard orchid oriole osprey otter owl oyster panda panther papaya parrot peach peacock pear pearl pebble pelican
penguin pepper peregrine petal phoenix pine pioneer planet plum pluto polaris pollen pond poplar poppy prairie prism puffin puma python quail quartz
quill rabbit raccoon rain rainbow raven red reef river robin rocket rose rowan ruby saffron sage salmon sand sapphire saturn scarlet sea seal sequoia
shadow shark shell silver sky slate snow sparrow sphinx spring spruce squirrel star stone stork storm stream summer summit sun sunrise sunset swallow
swan swift sycamore tapir teal tempest terra thistle thrush thunder tiger timber titanium topaz torch tortoise toucan tree tulip tundra turquoise turtle
twilight umbra valley vega venus vesper violet viper vortex vulture walnut wave weasel whale wheat willow wind winter wolf wren yak yarrow yew zebra zen
zenith zinc ada adam albert alex alice anna anne arthur ben bob charles charlie charlotte clara david diana edward ella emily emma eric eva felix frank
george grace hannah harry helen henry hugo isaac jack james jane john julia kate lara laura leo lisa louis lucas lucy luke maria mark martin mary max
maya mia michael mike nora oliver oscar paul peter rachel rebecca robert rose ruth sam samuel sara sarah simon sophia sophie steve susan thomas tim tina
tom victor vincent walter william zoe able active basic best better big bold brave bright calm careful clean clear clever cold complete cool curious dark
direct easy even exact fair fine fluent formal free fresh friendly full gentle good grand great happy hard harmless helpful honest human humble ideal keen
kind light live lively long loud lucky magic mighty modern narrow neat nice noble perfect plain polite powerful precise pure quick quiet rapid rare ready
real rich rough round safe secure sharp short silent simple slow smart smooth soft solid sound steady strong super sure sweet tall tender terse thin
tidy tough true trusty vague verbose vivid warm wide wild wise witty young advisor analyst answerer architect artist author brain builder captain coach
companion critic doctor editor expert friend genius guide helper judge knight librarian master mentor mind oracle partner pilot poet professor sage scholar
scribe scout solver speaker student teacher thinker tutor wizard writer book bell box bread brush card chain chart clock code color colour copy core cube
data draft drive dream east edge field file flow focus form frame game garden gate glass graph hand harp head hero home hope house idea image index ink
key language law learn leap letter lever library link list logic loom map matrix memory message method mill model motion music name nest net network open
opera orbit order paper path pattern peace pen phrase piano picture plan point power press prime proof prose pulse puzzle quest quote record reply rhyme
rhythm ring road root route rule sail scale school science scroll search sense sentence sequence shape ship signal sketch song source south space sphere
spirit square stack staff stage state story style switch symbol syntax talk tale task temple tempo theory thought thread time token tool tower trace
train truth vector verse vessel view vision voice volt water west wheel window wing wisdom word work world yarn zero one two three four five six seven
eight nine ten hundred thousand alpha beta gamma epsilon zeta eta theta iota kappa lambda omicron rho sigma tau upsilon chi psi omega nautilus odyssey
olympus orion pegasus perseus prometheus athena apollo ares artemis hera zeus odin thor freya loki janus minerva vulcan dionysus eros gaia helios
hyperion icarus juno castor pollux rigel sirius altair andromeda cassiopeia aries taurus cancer virgo libra scorpio sagittarius capricorn aquarius pisces
chameleon rabbit mouse rat ox dog rooster monkey pig sheep snake ant bee beetle moth spider worm zodiac
"""
"""Dictionary words and first names that models are named after: an answer that uses one of them has told nothing."""
